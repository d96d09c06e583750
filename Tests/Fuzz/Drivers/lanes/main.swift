import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveLanes)
