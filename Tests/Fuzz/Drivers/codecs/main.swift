import Driving
import InterchangeFuzzing

fuzz(InterchangeFuzzing.surviveCodecs)
