/// Which schedules two commands have.
extension DeathInterleaving {
  /// How many points and changes there are if nobody is interrupted.
  func bound(begins: Int) -> (coarse: [Int], fine: [Int], changes: Int) {
    func plain(_ isFine: Bool) -> DeathInterleaving.Outcome {
      run(
        DeathSchedule(begins: begins, leaves: .max, returns: .max, isFine: isFine))
    }
    let (coarse, fine) = (plain(false), plain(true))
    return (coarse.points, fine.points, coarse.changes)
  }

  /// Every schedule with at most two switches at locks, syncs and publications.
  func everySchedule() -> [DeathSchedule] {
    [0, 1].flatMap { begins in
      let points = bound(begins: begins).coarse
      return (1...max(1, points[begins])).flatMap { leaves in
        (1...max(1, points[1 - begins]) + 1).map { returns in
          DeathSchedule(begins: begins, leaves: leaves, returns: returns, isFine: false)
        }
      }
    }
  }
}
