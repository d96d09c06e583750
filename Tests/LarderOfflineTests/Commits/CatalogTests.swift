import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import Testing

@testable import LarderOffline

@Suite struct CatalogTests {
  private let driver = Entity("driver", joinKeys: [.int64("driver_id")])

  private func view(
    _ features: [Field], name: String = "stats", entities: [Entity]? = nil,
    event: String = "event", unit: TimeUnit = .microseconds, life: Duration? = nil
  ) -> FeatureView {
    FeatureView(
      name, entities: entities ?? [driver], features: features, timeToLive: life,
      eventTimestamp: event, timeUnit: unit)
  }

  private func apply(
    _ catalog: Catalog, _ views: FeatureView..., dropping: Bool = false
  ) throws(LarderError) -> (catalog: Catalog, changes: [DefinitionChange]) {
    try catalog.applying(Definitions(featureViews: views), dropping: dropping)
  }

  private func code(_ body: () throws -> Void) -> LarderError.Code? {
    do { try body() } catch let error as LarderError { return error.code } catch {}
    return nil
  }

  @Test func isIdempotent() throws {
    let definition = view([Field("a", .int32), Field("b", .string)])
    let (catalog, changes) = try apply(Catalog(), definition)
    #expect(changes.map(\.kind) == [.addedEntity, .addedView])
    #expect(catalog.views[0].fields.map(\.id) == [1, 2])
    let again = try apply(catalog, definition)
    #expect(again.changes.isEmpty && again.catalog == catalog)
    #expect(catalog.definitions.featureViews == [definition])
  }

  @Test func changesFeaturesWithoutRewriting() throws {
    let (first, _) = try apply(
      Catalog(), view([Field("a", .int32), Field("b", .float32), Field("c", .bool)]))
    let (second, changes) = try apply(
      first,
      view([Field("a", .int64), Field("bee", .float64, formerly: "b"), Field("d", .bytes)]),
      dropping: true)
    #expect(
      changes.map(\.kind) == [
        .widenedFeature, .widenedFeature, .renamedFeature, .addedFeature, .droppedFeature,
      ])
    let stored = second.views[0]
    #expect(stored.fields.map(\.id) == [1, 2, 4])
    #expect(stored.fields[1].formerNames == ["b"])
    #expect(stored.retired.map(\.name) == ["c"])
    #expect(stored.id == 1 && second.nextView == 2)
    // The rename stays in the file and changes nothing any more.
    let again = try apply(
      second, view([Field("a", .int64), Field("bee", .float64, formerly: "b"), Field("d", .bytes)]))
    #expect(again.changes.isEmpty)
    // A feature that comes back is another one.
    let (third, _) = try apply(
      second,
      view([Field("a", .int64), Field("bee", .float64), Field("d", .bytes), Field("c", .bool)]))
    #expect(third.views[0].fields.last?.id == 5)
  }

  @Test func refusesWhatContradictsHistory() throws {
    let (catalog, _) = try apply(Catalog(), view([Field("a", .int64), Field("b", .float64)]))
    let fields = [Field("a", .int64), Field("b", .float64)]
    let other = Entity("other", joinKeys: [.int64("driver_id"), .string("city")])
    let texts = Entity("texts", joinKeys: [.string("driver_id")])
    #expect(
      code { _ = try apply(catalog, view([Field("a", .int32), fields[1]])) }
        == .incompatibleDefinition)
    #expect(
      code { _ = try apply(catalog, view([Field("a", .string), fields[1]])) }
        == .incompatibleDefinition)
    #expect(code { _ = try apply(catalog, view([fields[0]])) } == .incompatibleDefinition)
    #expect(
      code { _ = try apply(catalog, view(fields, entities: [other])) } == .incompatibleDefinition)
    #expect(code { _ = try apply(catalog, view(fields, event: "time")) } == .incompatibleDefinition)
    #expect(
      code { _ = try apply(catalog, view(fields, unit: .nanoseconds)) } == .incompatibleDefinition)
    #expect(
      code { _ = try apply(catalog, view(fields, name: "two", entities: [texts])) }
        == .incompatibleDefinition)
    do {
      _ = try apply(catalog, view([fields[0]]))
    } catch {
      #expect(error.column == "b")
    }
  }

  @Test func refusesWhatNoStoreAccepts() throws {
    let a = Field("a", .int64)
    #expect(code { _ = try apply(Catalog(), view([a, a])) } == .invalidArgument)
    #expect(code { _ = try apply(Catalog(), view([Field("event", .int64)])) } == .invalidArgument)
    #expect(
      code { _ = try apply(Catalog(), view([Field("driver_id", .int64)])) } == .invalidArgument)
    #expect(code { _ = try apply(Catalog(), view([Field("a:b", .int64)])) } == .invalidArgument)
    #expect(code { _ = try apply(Catalog(), view([Field("__a", .int64)])) } == .invalidArgument)
    #expect(code { _ = try apply(Catalog(), view([a], name: "")) } == .invalidArgument)
    #expect(code { _ = try apply(Catalog(), view([a], unit: .seconds)) } == .invalidArgument)
    #expect(code { _ = try apply(Catalog(), view([a], life: .seconds(-1))) } == .invalidArgument)
    #expect(
      code { _ = try apply(Catalog(), view([Field("a", .list(.list(.int64)))])) }
        == .invalidArgument)
    let limit = String(repeating: "n", count: Limits.nameBytes)
    #expect(code { _ = try apply(Catalog(), view([a], name: limit)) } == nil)
    #expect(code { _ = try apply(Catalog(), view([a], name: limit + "n")) } == .invalidArgument)
    let fields = (0..<Limits.featuresPerView).map { Field("f\($0)", .bool) }
    #expect(code { _ = try apply(Catalog(), view(fields)) } == nil)
    #expect(code { _ = try apply(Catalog(), view(fields + [a])) } == .limitExceeded)
  }

  @Test func checksServices() throws {
    let service = FeatureService("s", features: ["stats:a", "other:*"])
    let definitions = Definitions(
      featureViews: [view([Field("a", .int64)])], featureServices: [service])
    #expect(code { _ = try Catalog().applying(definitions, dropping: false) } == .notFound)
    var fixed = definitions
    fixed.featureServices[0].features = ["stats:a", "again:a"]
    fixed.featureServices[0].projections = [.projection(of: "stats", as: "again")]
    let (catalog, changes) = try Catalog().applying(fixed, dropping: false)
    #expect(changes.last?.kind == .addedService)
    // A feature in use is not dropped from under a service.
    #expect(
      code { _ = try apply(catalog, view([Field("b", .int64)]), dropping: true) } == .notFound)
    let dropped = try catalog.dropping(view: "stats")
    #expect(dropped.changes.map(\.kind) == [.droppedView, .droppedService])
    #expect(dropped.catalog.services.isEmpty)
    #expect(code { _ = try catalog.dropping(view: "stat") } == .notFound)
  }

  @Test func survivesItsBytes() throws {
    var definition = view(
      [
        Field("a", .int32, description: "words \u{1F986}", tags: ["k": "v"]),
        Field("l", .list(.timestamp(.nanoseconds))), Field("o", .opaque(tag: "x")),
      ], life: .seconds(90))
    definition.createdTimestamp = "created"
    definition.partition = .month
    var (catalog, _) = try Catalog().applying(
      Definitions(
        entities: [Entity("unused", joinKeys: [.bytes("b")])], featureViews: [definition],
        featureServices: [FeatureService("s", features: ["stats:*"], tags: ["a": "b"])]),
      dropping: false)
    definition.features.removeFirst()
    catalog = try catalog.applying(
      Definitions(featureViews: [definition]), dropping: true
    ).catalog
    var writer = RecordWriter()
    CatalogCodec.encode(catalog, into: &writer)
    var reader = RecordReader(writer.bytes, file: "", origin: 0)
    #expect(try CatalogCodec.decode(&reader) == catalog)
    // Hostile bytes: an error or another catalog, never a trap.
    for position in writer.bytes.indices {
      for bit in 0..<8 {
        var bytes = writer.bytes
        bytes[position] ^= 1 << UInt8(bit)
        var reader = RecordReader(bytes, file: "", origin: 0)
        do { _ = try CatalogCodec.decode(&reader) } catch { continue }
      }
    }
    for count in writer.bytes.indices {
      var reader = RecordReader(Array(writer.bytes.prefix(count)), file: "", origin: 0)
      #expect(code { _ = try CatalogCodec.decode(&reader) } == .corrupt)
    }
  }
}
