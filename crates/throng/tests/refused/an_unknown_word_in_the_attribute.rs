use throng::Message;

#[derive(Message)]
#[message(replies = u64)]
struct Add(u64);

fn main() {}
