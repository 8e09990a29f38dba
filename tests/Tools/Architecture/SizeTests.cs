using Part = Tessera.Tests.Tools.Architecture.Sizes.Part;

namespace Tessera.Tests.Tools.Architecture;

/// <summary>A reader can hold a file, a type and a method in the head: no file above 300 lines, no type above 250, no method above
/// 60.</summary>
public sealed class SizeTests
{
    /// <summary>What is longer, and why; 15 at most.</summary>
    private static readonly Dictionary<string, string> s_exceptions = new()
    {
        ["ConvertDatasetCommand.Create"] = Options,
        ["PredictCommand.Create"] = Options,
        ["ExplainCommand.Create"] = Options,
        ["SplitDatasetCommand.Create"] = Options,
    };

    private const string Options = "states the tool's options one after another, which is read as a list";

    private static readonly Lazy<Part[]> s_parts = new(() => [.. Sizes.Of(Snippets.Repository)]);

    [Fact]
    public void Nothing_is_longer_than_a_reader_can_hold()
    {
        var longer = s_parts.Value.Where(part => part.Lines > Limit(part.Kind)).ToArray();
        Assert.Equal(
            [],
            longer
                .Where(part => !s_exceptions.ContainsKey(part.Name))
                .Select(part => $"{part.Path}: {part.Kind} {part.Name}: {part.Lines} lines")
        );
        Assert.Equal([], s_exceptions.Keys.Except(longer.Select(part => part.Name))); // those that are no longer needed
        Assert.InRange(s_exceptions.Count, 0, 15);
    }

    [Fact]
    public void Parts_of_a_partial_type_count_together()
    {
        var types = s_parts.Value.Where(part => part.Kind == "type").GroupBy(part => (Path.GetDirectoryName(part.Path), part.Name));
        Assert.Equal(
            [],
            types
                .Where(type => type.Count() > 1 && type.Sum(part => part.Lines) > Limit("type") && !s_exceptions.ContainsKey(type.Key.Name))
                .Select(type => $"{type.Key.Name}: {type.Sum(part => part.Lines)} lines in {type.Count()} files")
        );
    }

    /// <summary>CSharpier breaks code, not comments and texts. Raw texts stay as they are meant.</summary>
    [Fact]
    public void No_line_is_longer_than_140_characters() => Assert.Equal([], Sizes.LongLines(Snippets.Repository, 140));

    private static int Limit(string kind) =>
        kind switch
        {
            "file" => 300,
            "type" => 250,
            _ => 60,
        };
}
