import ArgumentParser
import Larder
struct Why: ParsableCommand { func run() throws {} }
