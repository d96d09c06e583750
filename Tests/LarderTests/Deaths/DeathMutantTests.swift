import Testing

/// The tests of deaths can fail: each rule that is left out is noticed, and none is missed by them
/// if nothing is.
@Suite struct DeathMutantTests {
  @Test(arguments: DeathMutant.allCases) func isNoticed(_ mutant: DeathMutant) throws {
    let finding = try mutant.find(mutant.broken)
    #expect(finding != nil, "\(mutant) was not noticed")
    print("mutant \(mutant): \(finding ?? "NOT NOTICED")")
  }

  @Test(arguments: DeathMutant.allCases) func theRulesThemselvesAreNot(
    _ mutant: DeathMutant
  ) throws {
    #expect(try mutant.find(DeathBreak(), stride: 11) == nil)
  }
}
