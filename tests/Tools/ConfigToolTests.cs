using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Tessera.Tests.Tools;

/// <summary>print-config, list-components and schema as a user runs them.</summary>
public sealed class ConfigToolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-tools").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder, name), text);
        return name;
    }

    private (int Code, string Output, string Error) Run(params string[] arguments) => ToolProcess.Run(_folder, arguments);

    private const string Valid = """
        { // a whole config
          "model": { "type": "ImageClassifier", "backbone": { "type": "CifarResNet", "depth": 20 }, "head": { "type": "LinearHead" } },
          "train": { "dataset": { "type": "Shapes" } },
        }
        """;

    [Fact]
    public void PrintConfig_PrintsTheResolvedDocument()
    {
        Write("c.json", Valid);
        var (code, output, error) = Run("print-config", "c.json", "--cfg-options", "model.backbone.depth=32", "seed=5");
        Assert.Equal(("", 0), (error, code));
        Assert.Equal(32, (int)JsonNode.Parse(output)!["model"]!["backbone"]!["depth"]!);
    }

    [Fact]
    public void PrintConfig_Explain_NamesFileAndLine()
    {
        Write("b.json", Valid);
        Write("c.json", "{ \"_base_\": \"b.json\",\n\"seed\": 3 }");
        Assert.Equal("seed = 3\n  set by c.json:2\n", Run("print-config", "c.json", "--explain", "seed").Output);
        Assert.Equal(
            "model.backbone.in_channels is not set\n  CifarResNet's default is 3\n",
            Run("print-config", "c.json", "--explain", "model.backbone.in_channels").Output
        );
        Assert.Equal(
            "model.backbone.depth = 20\n  set by b.json:2 (a base of c.json)\n",
            Run("print-config", "c.json", "--explain", "model.backbone.depth").Output
        );
    }

    [Fact]
    public void PrintConfig_Mistakes_AllInOneReport_NoStackTrace()
    {
        Write("c.json", Valid);
        var (code, _, error) = Run("print-config", "c.json", "--cfg-options", "sede=1", "model.backbone.depht=2", "base_lr=1");
        Assert.Equal(1, code);
        Assert.Contains("--cfg-options  sede\n  The config has no key \"sede\". Did you mean \"seed\"?", error, StringComparison.Ordinal);
        Assert.Contains("CifarResNet has no option \"depht\". Did you mean \"depth\"?", error, StringComparison.Ordinal);
        Assert.Contains("here it is \"optimizer.lr\"", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no.json", "no.json\n  There is no file no.json.\n")]
    [InlineData("text.json", "text.json:1\n  This isn't JSON: 'h' is an invalid start of a value.\n")]
    public void BadFile_OneMessage_ExitCode1(string name, string expected)
    {
        Write("text.json", "hello");
        Assert.Equal((1, "", expected), Run("print-config", name));
    }

    [Fact]
    public void ListComponents_PlainWhenPiped()
    {
        var (code, output, error) = Run("list-components");
        Assert.Equal(("", 0), (error, code));
        Assert.Contains("Backbones\n  name ", output, StringComparison.Ordinal);
        Assert.Contains("\n  ResNet ", output, StringComparison.Ordinal);
        Assert.DoesNotContain('│', output);
    }

    [Fact]
    public void ListComponents_OfAKindAndOfAName()
    {
        Assert.StartsWith("Backbones\n", Run("list-components", "backbones").Output, StringComparison.Ordinal);
        var output = Run("list-components", "ResNet").Output;
        Assert.StartsWith("ResNet (backbone)\n", output, StringComparison.Ordinal);
        Assert.Contains("arXiv:1512.03385", output, StringComparison.Ordinal);
        Assert.Matches(@"depth +int +50 +one of 18, 34, 50, 101, 152 +\S", output);
    }

    /// <summary>Against the configs' text. Which of two kinds of one name is meant follows from the key: <c>loss_cls</c>, <c>losses</c>.</summary>
    [Fact]
    public void ListComponents_TellsWhichConfigsNameOne()
    {
        Assert.Contains(
            "\nIn configs: resnet/resnet-small_shapes.json, ",
            Run("list-components", "ResNet").Output,
            StringComparison.Ordinal
        );
        Assert.Contains("\nIn no shipped config.\n", Run("list-components", "Lion").Output, StringComparison.Ordinal);
        var focal = Run("list-components", "FocalLoss").Output.Split("FocalLoss (class loss)\n");
        Assert.Contains("\nIn no shipped config.\n", focal[0], StringComparison.Ordinal);
        Assert.Contains("\nIn configs: _base_/models/atss_r50_fpn.json, ", focal[1], StringComparison.Ordinal);

        var configs = Path.Combine(Snippets.Repository, "configs");
        var text = string.Concat(
            Directory
                .EnumerateFiles(configs, "*.json", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) != "schema.json")
                .Select(File.ReadAllText)
        );
        var optimizers = Run("list-components", "optimizers").Output;
        var names = Regex.Matches(optimizers, @"^  ([A-Z]\w+)  ", RegexOptions.Multiline).Select(match => match.Groups[1].Value).ToList();
        Assert.InRange(names.Count, 10, 100);
        var unnamed = names.Where(name => !text.Contains($"\"type\": \"{name}\"", StringComparison.Ordinal));
        Assert.EndsWith($"  In no shipped config: {string.Join(", ", unnamed)}.\n", optimizers, StringComparison.Ordinal);
    }

    [Fact]
    public void ListComponents_UnknownName_Suggests()
    {
        var (code, output, error) = Run("list-components", "Resnet");
        Assert.Equal((1, ""), (code, output));
        Assert.StartsWith("No kind and no component is named \"Resnet\". Did you mean \"ResNet\"?\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Schema_Check_FailsUntilWritten()
    {
        var (code, _, error) = Run("schema", "--check", "--out", "s.json");
        Assert.Equal((1, "s.json\n  The schema doesn't match the registered components. Write it anew: tools/schema\n"), (code, error));
        Assert.Equal(0, Run("schema", "--out", "s.json").Code);
        Assert.Equal((0, "s.json is up to date.\n", ""), Run("schema", "--check", "--out", "s.json"));
    }

    /// <summary>The components and the sections of a config's plugins, so that an editor knows them.</summary>
    [Fact]
    public void Schema_OfAConfig_HasItsPlugins()
    {
        var config = Path.Combine(Snippets.Repository, "samples", "plugins", "journal_shapes.json");
        var (code, output, error) = Run("schema", config, "--out", "mine/s.json");
        Assert.Equal((0, "mine/s.json written.\n"), (code, output));
        Assert.Contains("\"$schema\": \"", error, StringComparison.Ordinal);
        var written = File.ReadAllText(Path.Combine(_folder, "mine", "s.json"));
        Assert.Contains("\"JournalHook\"", written, StringComparison.Ordinal);
        Assert.NotNull(System.Text.Json.Nodes.JsonNode.Parse(written)!["properties"]!["journal"]);
        Assert.Equal(0, Run("schema", config, "--out", "mine/s.json", "--check").Code);
        Assert.DoesNotContain(
            "JournalHook",
            File.ReadAllText(Path.Combine(Snippets.Repository, "configs", "schema.json")),
            StringComparison.Ordinal
        );
    }
}
