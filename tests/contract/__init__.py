"""What travels and how: values as JSON, the protos, the server and both transports."""
