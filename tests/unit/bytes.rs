use super::*;
use std::vec::Vec;

#[test]
fn the_front_is_copied_up_to_the_end_of_the_shorter_slice_and_no_further() {
    let from: Vec<u8> = (1..=20).collect();
    for from_len in 0..=20 {
        for to_len in 0..=20 {
            let mut to = [0; 20];
            copy_prefix(&from[..from_len], &mut to[..to_len]);
            let len = from_len.min(to_len);
            assert_eq!(to[..len], from[..len], "{from_len} to {to_len}");
            assert!(to[len..].iter().all(|&byte| byte == 0), "{from_len} to {to_len}");
        }
    }
}
