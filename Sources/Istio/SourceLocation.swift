/// Where something was written: what a message leads with and an editor jumps to.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The file as the user named it.
    package var file: String
    /// Counted from 1; 0 where there is no line to name.
    package var line: Int

    package init(file: String = "", line: Int = 0) {
        self.file = file
        self.line = line
    }

    /// `file:line`.
    package var description: String { line > 0 ? "\(file):\(line)" : file }
}

extension SourceLocation: Comparable {
    package static func < (left: SourceLocation, right: SourceLocation) -> Bool {
        (left.file, left.line) < (right.file, right.line)
    }
}
