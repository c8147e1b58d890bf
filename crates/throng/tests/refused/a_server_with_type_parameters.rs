use throng::prelude::*;

struct Cache<T>(Vec<T>);

#[server]
impl<T: Send> Cache<T> {
    #[call]
    fn len(&self) -> usize {
        self.0.len()
    }
}

fn main() {}
