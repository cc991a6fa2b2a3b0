// Each page of the guide is a Markdown file in `guide/`, and a module of the documentation. There is no code
// here, and only rustdoc reads this file: a build of the library does not.
//
// The tests of the driver for tokio compile the pages with code for tokio (`drivers/tokio/src/lib.rs`),
// because this package cannot depend on the driver. So the tests of this package leave those pages out.
//
// On a forge, such as GitHub, the links of a page lead to the files of the other pages. Here the same labels
// are defined first as items, and Markdown takes the first definition.
#![doc = include_str!("guide/links.md")]
#![doc = include_str!("guide/index.md")]

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/the_loop.md")]
pub mod the_loop {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/which_way_in.md")]
pub mod which_way_in {}

#[doc = include_str!("guide/links.md")]
#[cfg_attr(not(doctest), doc = include_str!("guide/serve.md"))]
pub mod serve {}

#[doc = include_str!("guide/links.md")]
#[cfg_attr(not(doctest), doc = include_str!("guide/connect.md"))]
pub mod connect {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/my_event_loop.md")]
pub mod my_event_loop {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/completion_io.md")]
pub mod completion_io {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/behind_my_http_stack.md")]
pub mod behind_my_http_stack {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/microcontroller.md")]
pub mod microcontroller {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/compress.md")]
pub mod compress {}

#[doc = include_str!("guide/links.md")]
#[cfg_attr(not(doctest), doc = include_str!("guide/broadcast.md"))]
pub mod broadcast {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/backpressure.md")]
pub mod backpressure {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/keep_alive.md")]
pub mod keep_alive {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/large_messages.md")]
pub mod large_messages {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/performance.md")]
pub mod performance {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/limits_and_security.md")]
pub mod limits_and_security {}

#[doc = include_str!("guide/links.md")]
#[cfg_attr(not(doctest), doc = include_str!("guide/test_my_code.md"))]
pub mod test_my_code {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/deploy.md")]
pub mod deploy {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/design.md")]
pub mod design {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/faq.md")]
pub mod faq {}

#[doc = include_str!("guide/links.md")]
#[doc = include_str!("guide/migrate/index.md")]
pub mod migrate {
    #[doc = include_str!("guide/links.md")]
    #[doc = include_str!("guide/migrate/tungstenite.md")]
    pub mod tungstenite {}

    #[doc = include_str!("guide/links.md")]
    #[cfg_attr(not(doctest), doc = include_str!("guide/migrate/tokio_tungstenite.md"))]
    pub mod tokio_tungstenite {}

    #[doc = include_str!("guide/links.md")]
    #[cfg_attr(not(doctest), doc = include_str!("guide/migrate/fastwebsockets.md"))]
    pub mod fastwebsockets {}

    #[doc = include_str!("guide/links.md")]
    #[doc = include_str!("guide/migrate/embedded_websocket.md")]
    pub mod embedded_websocket {}
}
