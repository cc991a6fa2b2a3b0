//! The committed tables hold on the host, too. Only the sizes of the states depend on the target.

use sansws_ram::{Memory, write_clients, write_servers};

const COMMITTED: &str = include_str!("../../ram.md");

#[test]
fn the_committed_buffers_of_servers_are_the_smallest_on_this_machine_too() {
    let mut table = String::new();
    write_servers(&mut table, &mut Memory::new()).unwrap();
    assert!(COMMITTED.contains(&table), "found:\n{table}");
}

#[test]
fn the_committed_buffers_of_clients_are_the_smallest_on_this_machine_too() {
    let mut table = String::new();
    write_clients(&mut table, &mut Memory::new()).unwrap();
    assert!(COMMITTED.contains(&table), "found:\n{table}");
}
