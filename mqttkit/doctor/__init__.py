"""What is installed, what each optional part is for, and a proof that the embedded broker works."""
