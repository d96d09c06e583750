/// Rules of the commit protocol that a test leaves out, to see that it would notice.
///
/// Nothing but a test sets any; `FORMAT.md` has the rules. Each is asked for once in a command, never
/// in a loop.
package struct OmittedRules: OptionSet, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Settling before a plan is made, and before something is destroyed: STATE's word is all there is.
  package static let settling = OmittedRules(rawValue: 1)
  /// Comparing what a plan read with what is there at the commit.
  package static let comparing = OmittedRules(rawValue: 2)
  /// Looking again, once a file is locked that is to go, whether something names it by now.
  package static let lookingAgain = OmittedRules(rawValue: 4)
  /// Saying that an erasure is finished only when every file was seen gone.
  package static let certifyingLast = OmittedRules(rawValue: 8)
  /// Copying online tables before history is pinned.
  package static let copyingOnlineFirst = OmittedRules(rawValue: 16)
  /// Hiding online whom history hides.
  package static let maskingOnline = OmittedRules(rawValue: 32)
}
