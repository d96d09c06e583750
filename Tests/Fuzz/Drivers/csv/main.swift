import Driving
import InterchangeFuzzing

fuzz(InterchangeFuzzing.surviveCSV)
