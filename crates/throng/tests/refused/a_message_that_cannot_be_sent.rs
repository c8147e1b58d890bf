use std::rc::Rc;

use throng::Message;

#[derive(Message)]
struct Share(Rc<u64>);

fn main() {}
