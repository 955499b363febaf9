/// What one file gave.
package struct DecodedFile: Sendable {
    /// Resources without errors, in the order of the file.
    package var resources: [Resource] = []
    /// Resources that are named but have errors: not in `resources`, but neither deleted. Their last good form may serve on.
    package var broken: [BrokenResource] = []
    package var diagnostics: [Diagnostic] = []
    /// Some document is not YAML, or has no kind and name, so it is unknown what the file holds; all that it last gave is kept.
    package var parseFailed = false

    package init() {}
}

/// A resource that could not be decoded, by name.
package struct BrokenResource: Hashable, Sendable {
    package var id: ResourceID
    package var location: SourceLocation

    package init(id: ResourceID, location: SourceLocation) {
        self.id = id
        self.location = location
    }
}

/// Files of YAML (or JSON, which is YAML) into resources.
package enum Decoder {
    /// Never fails as a whole: what cannot be read is told in the diagnostics, and the rest is given.
    ///
    /// - Parameters:
    ///   - file: the name that messages carry.
    ///   - defaultNamespace: for resources that name none.
    package static func decode(file: String, text: String, defaultNamespace: String = "default") -> DecodedFile {
        DecodedFile()
    }
}
