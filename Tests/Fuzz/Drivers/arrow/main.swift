import Driving
import InterchangeFuzzing

fuzz(InterchangeFuzzing.surviveArrow)
