import LarderFiles
import Testing

/// Each file of a store and of its copies harmed in turn: `verify` finds it in the copy as in the
/// original, or nothing is lost by it.
@Suite struct HarmedCopiesTests {
  @Test(arguments: DeathShape.allCases) func isFoundInTheCopyAsInTheOriginal(
    _ shape: DeathShape
  ) throws {
    let tally = try Self.harm(shape)
    for line in tally.wrong { Issue.record("\(line)") }
    print("harmed files of \(shape): \(tally.cases), found \(tally.found)")
    #expect(tally.cases > 200 && tally.found > 150)
  }

  struct Tally {
    var cases = 0
    var found = 0
    var wrong: [String] = []
  }

  static func harm(_ shape: DeathShape) throws -> Tally {
    var tally = Tally()
    let base = try DeathBase(shape)
    for place in HarmedCopies.Place.allCases {
      let copies = try HarmedCopies(base, place)
      for path in copies.files {
        for harm in HarmedCopies.Harm.allCases {
          switch copies.outcome(of: harm, to: path) {
          case .void: continue
          case .found: tally.found += 1
          case .harmless: break
          case .wrong(let difference):
            tally.wrong.append("\(shape), \(place), \(path) \(harm): \(difference)")
          }
          tally.cases += 1
        }
      }
    }
    return tally
  }
}
