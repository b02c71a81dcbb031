"""What is judged: a change, its sources, and its facts as git has them."""
