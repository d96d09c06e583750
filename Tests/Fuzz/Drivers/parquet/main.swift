import Driving
import InterchangeFuzzing

fuzz(InterchangeFuzzing.surviveParquet)
