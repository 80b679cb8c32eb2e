"""One page of HTML that shows what an evaluation found, and how far it can be believed."""
