use throng::Message;

#[derive(Message)]
struct Say<'a>(&'a str);

fn main() {}
