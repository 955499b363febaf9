import ArgumentParser
import Istio

/// The page of supported fields.
struct FieldsVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fields",
        abstract: "Prints every field of every kind, and what happens with those that are not honoured, as Markdown.")

    func run() {
        var page = Support.page()
        if page.hasSuffix("\n") { page.removeLast() }
        Terminal.say(page)
    }
}
