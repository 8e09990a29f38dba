using System.CommandLine;
using System.CommandLine.Parsing;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>The checkpoint of a tool: a file, or the work dir of a run, of which the best checkpoint is taken.</summary>
internal static class CheckpointArgument
{
    private const string Name = "CHECKPOINT";

    private const string Folders = " Or a work dir: its best one, else its newest.";

    /// <param name="description">What kind of checkpoint it is.</param>
    public static Argument<string> Of(string description) =>
        new(Name) { Description = description + Folders, CustomParser = result => FileOf(result.Tokens.Single().Value) };

    /// <summary>The same where it may be left out.</summary>
    public static Argument<string?> Optional(string description) =>
        new(Name)
        {
            Description = description + Folders,
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result => result.Tokens is [var only] ? FileOf(only.Value) : null,
        };

    /// <summary>One or several.</summary>
    public static Argument<string[]> Several(string description) =>
        new(Name)
        {
            Description = description + Folders,
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result => [.. result.Tokens.Select(token => FileOf(token.Value))],
        };

    /// <summary>Further ones beside the first.</summary>
    public static Option<string[]> Further(string name, string description) =>
        new(name)
        {
            Description = description,
            HelpName = Name,
            CustomParser = result => [.. result.Tokens.Select(token => FileOf(token.Value))],
            DefaultValueFactory = _ => [],
        };

    /// <exception cref="UserErrorException">A folder without checkpoints, or with several that are best by different values.</exception>
    private static string FileOf(string path)
    {
        if (!Directory.Exists(path) || WorkFolder.CheckpointOf(path) is not { } file)
            return path;
        ToolConsole.Current.Note($"{path}: {Path.GetFileName(file)} is taken.");
        return file;
    }
}
