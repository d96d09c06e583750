import Driving
import EngineFuzzing

fuzz(EngineFuzzing.surviveRecords)
