//! A server that crashes, and is there again: `cargo run -p throng --example crash`.

use throng::prelude::*;

#[derive(Message)]
#[message(reply = u32)]
struct Divide(u32, u32);

struct Calculator;

impl GenServer for Calculator {
    type Args = ();

    async fn init((): (), _: &mut Ctx<Self>) -> Init<Self> {
        Ok(Calculator)
    }
}

impl Handler<Divide> for Calculator {
    async fn handle(&mut self, Divide(a, b): Divide, _: &mut Ctx<Self>) -> Handled<Divide> {
        Ok(a / b) // panics when b is 0, which takes nothing down but this process
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (node, name) = (Node::new("example"), Name::<Calculator>::new("calculator"));
    let tree = Supervisor::one_for_one("tree").child(Calculator::child(()).name(name));
    let tree = node.start(tree).await?;
    let calculator = node.via(name); // whoever holds the name at the time of each call

    if let Err(error) = calculator.call(Divide(1, 0)).await {
        println!("1 / 0: {error}");
    }
    Supervisor::count_children(&tree).await?; // a round trip: by now it has been restarted
    println!("84 / 2 = {}", calculator.call(Divide(84, 2)).await?);
    Ok(())
}
