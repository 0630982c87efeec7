"""A class in one chat room: one address that laptops, phones and notebooks join."""
