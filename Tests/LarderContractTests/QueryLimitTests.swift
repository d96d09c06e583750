import LarderColumns
import LarderContract
import Testing

@Suite struct QueryLimitTests {
  /// Sixteen projections of the widest view ask for as many features as a query may.
  @Test func holdsTheFeaturesOfAQuery() throws {
    let fields = (0..<Limits.featuresPerView).map { Field("f\($0)", .bool) }
    let wide = FeatureView("wide", entities: [], features: fields)
    let narrow = FeatureView("narrow", entities: [], features: [Field("f", .bool)])
    let aliases = (0..<Limits.featuresPerQuery / Limits.featuresPerView).map { "p\($0)" }
    let options = RetrievalOptions(
      projections: aliases.map { .projection(of: "wide", as: $0, joinKeys: [:]) },
      fullFeatureNames: true)
    let whole = aliases.map { FeatureReference(view: $0, feature: nil) }
    let oneLess =
      whole.dropLast() + fields.dropLast().map { FeatureReference(view: "p15", feature: $0.name) }
    let oneMore = whole + [FeatureReference(view: "narrow", feature: "f")]
    let spine = Schema([ColumnField("event_timestamp", .timestamp(.microseconds))])
    func ask(_ features: [FeatureReference]) throws(LarderError) -> Int {
      try ResolvedQuery(
        spine: spine, views: [wide, narrow], features: features, options: options
      ).schema.fields.count - 1
    }
    #expect(try ask(Array(oneLess)) == Limits.featuresPerQuery - 1)
    #expect(try ask(whole) == Limits.featuresPerQuery)
    let failure = #expect(throws: LarderError.self) { try ask(oneMore) }
    #expect(failure?.code == .limitExceeded)
  }
}
