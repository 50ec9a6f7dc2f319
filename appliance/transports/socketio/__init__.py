"""Socket.IO 5 on Engine.IO 4: a codec and protocol core without I/O, a thin shell, the contract on top."""
