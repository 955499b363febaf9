import ArgumentParser

/// Not there yet.
struct RoutesVerb: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "routes", abstract: "Not yet.")
    @OptionGroup var options: ConfigOptions
    @Flag(help: .hidden) var untilStdinCloses = false
    func run() throws { throw ValidationError("not yet") }
}
