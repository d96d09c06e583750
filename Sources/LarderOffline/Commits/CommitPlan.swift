import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What a command read of the store before it wrote: compared under the commit lock with the newest
/// state, so that nothing is committed that was made from something else.
///
/// Locks keep most of it still; a command that died, and whose record was settled in between, or
/// definitions, which take no lock but the commit's, do not.
struct CommitPlan: Sendable {
  /// The newest commit when the plan was made.
  ///
  /// Where it still is, nothing else need be compared.
  let head: Commit
  /// The view, with its features and their types.
  let view: Catalog.View
  /// What the new rows' ids rest on: the log of the view's key set as it was; nil if there was none.
  let keyLog: KeyLogState?
  /// The segments that are rewritten or taken away.
  let inputs: [FileIdentifier]
  /// The newest change of erasures.
  let erasures: UInt64

  /// - Parameter inputs: the segments that are rewritten or taken away.
  init(_ state: StoreState, _ view: Catalog.View, inputs: [SegmentDescription] = []) {
    head = state.head
    self.view = view
    keyLog = state.keyLogs[view.keySet]
    self.inputs = inputs.map(\.uuid)
    erasures = state.erasures.last
  }

  /// Refuses the commit of new rows if their ids or columns no longer fit.
  ///
  /// - Throws: `notFound` if the view is gone; `conflict` with what changed.
  func checkAppend(_ state: StoreState) throws(LarderError) {
    if state.head == head { return }
    try checkDefinition(state)
    guard state.keyLogs[view.keySet] == keyLog else {
      throw changed("the keys of its join-key set are others")
    }
    try checkInputs(state)
  }

  /// Refuses the commit of rewritten rows if what they were read from is no longer what is live.
  ///
  /// Rows and keys that were appended meanwhile do not matter.
  ///
  /// - Throws: `notFound` if the view is gone; `conflict` with what changed.
  func checkRewrite(_ state: StoreState) throws(LarderError) {
    if state.head == head { return }
    let now = try currentView(state)
    guard now.fields.map(\.id) == view.fields.map(\.id),
      now.fields.map(\.type) == view.fields.map(\.type)
    else { throw changed("its features or their types are others") }
    guard state.erasures.last == erasures else { throw changed("rows were erased") }
    try checkInputs(state)
  }

  /// Refuses rows in columns that the definition does not have, or has by another type.
  ///
  /// A feature that came since is null in them; names may be others.
  ///
  /// - Throws: as `checkAppend`.
  func checkDefinition(_ state: StoreState) throws(LarderError) {
    let now = try currentView(state)
    for field in view.fields {
      guard let same = now.fields.first(where: { $0.id == field.id }) else {
        throw changed("the feature \"\(field.name)\" was dropped")
      }
      guard same.type == field.type else {
        throw changed("the feature \"\(same.name)\" is \(same.type) and was \(field.type)")
      }
    }
  }

  private func currentView(_ state: StoreState) throws(LarderError) -> Catalog.View {
    guard let now = state.catalog.view(id: view.id) else {
      throw LarderError(.notFound, "The view \"\(view.name)\" was dropped meanwhile.")
    }
    return now
  }

  private func checkInputs(_ state: StoreState) throws(LarderError) {
    if inputs.isEmpty { return }
    let live = Set((state.segments[view.id] ?? []).map(\.description.uuid))
    guard inputs.allSatisfy(live.contains) else {
      throw changed("a segment that was to be rewritten is no longer live")
    }
  }

  private func changed(_ what: String) -> LarderError {
    LarderError(
      .conflict,
      "The view \"\(view.name)\" changed between commit \(head.id), from which this was prepared, "
        + "and now: \(what). Nothing was written; try again.")
  }
}
