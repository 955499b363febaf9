/// A call on the operating system that failed while something was set up, said in a sentence for the person who reads it.
package struct LoopError: Error, Sendable, CustomStringConvertible {
    /// What failed, why, and what to do about it.
    package let sentence: String
    /// The (positive) errno behind it, or 0.
    package let code: Int32

    package var description: String { sentence }

    /// "`what`: the errno's text; `advice`".
    package init(_ what: String, errno code: Int32, advice: String = "") {
        let cause = code > 0 ? ": " + Errno.text(code) : ""
        sentence = what + cause + (advice.isEmpty ? "" : "; " + advice)
        self.code = code
    }
}
