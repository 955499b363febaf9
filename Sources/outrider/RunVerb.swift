import ArgumentParser

/// Not there yet.
struct RunVerb: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "run", abstract: "Not yet.")
    @OptionGroup var options: ConfigOptions
    @Flag(help: .hidden) var untilStdinCloses = false
    func run() throws { throw ValidationError("not yet") }
}
