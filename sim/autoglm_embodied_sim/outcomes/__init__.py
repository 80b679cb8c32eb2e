"""What becomes of a grasp, and what was seen before it and felt during it: to learn from, without anyone's labels."""
