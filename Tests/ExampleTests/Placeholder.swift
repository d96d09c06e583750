// The tests of this floor are being built.
