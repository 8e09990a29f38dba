using System.Text.Json;
using Json.Schema;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Running;
using Tessera.Tests.Tools.Configs;

namespace Tessera.Tests.Tools;

public sealed class SchemaFileTests
{
    [Fact]
    public void Schema_InConfigs_IsUpToDate()
    {
        var written = File.ReadAllText(Path.Combine(Snippets.Repository, "configs", "schema.json"));
        Assert.True(
            SchemaWriter.Write(Composition.Registry(), typeof(RunOptions)) == written,
            "configs/schema.json doesn't match the registered components. Write it anew: tools/schema"
        );
    }

    [Fact]
    public void Components_AllCanBeDescribed()
    {
        // Reads every constructor, options record and documentation text once.
        foreach (var component in Composition.Registry().All)
        {
            Assert.NotNull(XmlDocs.SummaryOf(component.Type));
            Assert.All(component.Keys, key => Assert.False(string.IsNullOrWhiteSpace(key.TypeName)));
        }
    }

    private static JsonElement Parse(string text) =>
        JsonDocument
            .Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true })
            .RootElement;

    private static string Schema() => File.ReadAllText(Path.Combine(Snippets.Repository, "configs", "schema.json"));

    private static SchemaValidator Validator() => new(Schema());

    public static TheoryData<string> Files() =>
        [
            .. new[] { "configs", "samples" }
                .SelectMany(folder =>
                    Directory.EnumerateFiles(Path.Combine(Snippets.Repository, folder), "*.json", SearchOption.AllDirectories)
                )
                .Select(path => Path.GetRelativePath(Snippets.Repository, path))
                .Where(path => Path.GetFileName(path) != "schema.json" && !IsGrid(path))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Files of tools/sweep hold changes to a config.</summary>
    private static bool IsGrid(string file) =>
        File.ReadAllText(Path.Combine(Snippets.Repository, file)).Contains("\"axes\"", StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Files))]
    public void Config_AsWritten_IsValidInAnEditor(string file)
    {
        var path = Path.Combine(Snippets.Repository, file);
        // A plugin's components and sections stand in the schema of the configs that name it.
        var validator = file.StartsWith("samples", StringComparison.Ordinal)
            ? new SchemaValidator(SchemaWriter.Write(Composition.Registry(ConfigDocument.Load(path)), typeof(RunOptions)))
            : Validator();
        Assert.Empty(validator.Mistakes(Parse(File.ReadAllText(path))));
    }

    [Theory]
    [InlineData("{ \"sede\": 1 }", "$.sede: ")]
    [InlineData("{ \"seed\": \"one\" }", "$.seed: ")]
    [InlineData("{ \"optimizer\": { \"type\": \"Sgd\", \"lr\": 0.1, \"momentun\": 0.9 } }", "$.optimizer.momentun: ")]
    [InlineData(
        "{ \"model\": { \"type\": \"ImageClassifier\", \"backbone\": { \"type\": \"ResNet\", \"depth\": 19 } } }",
        "$.model.backbone.depth: "
    )]
    [InlineData("{ \"train\": { \"loader\": { \"batch_size\": 0 } } }", "$.train.loader.batch_size: ")]
    [InlineData("{ \"train\": { \"loader\": 3 } }", "$.train.loader: ")]
    [InlineData("{ \"plugins\": [ \"a.dll\", 7 ] }", "$.plugins[1]: ")]
    [InlineData("{ \"model\": { \"backbone\": { \"depht\": 50 } } }", "$.model")] // the base says the types
    [InlineData("{ \"model\": { \"type\": \"ImageClassifier\", \"backbone\": { \"depht\": 50 } } }", "$.model.backbone.depht: ")]
    [InlineData("{ \"optimizer\": { \"lr\": \"fast\" } }", "$.optimizer.lr")]
    [InlineData(
        "{ \"train\": { \"dataset\": { \"pipeline\": { \"_edit_\": [ { \"after\": \"LoadImage\", \"insert\": { \"type\": "
            + "\"RandomFlop\" } } ] } } } }",
        "$.train"
    )]
    [InlineData(
        "{ \"train\": { \"dataset\": { \"pipeline\": { \"_edit_\": [ { \"change\": \"RandomFlip\", \"with\": { \"probabilty\": 1 } } "
            + "] } } } }",
        "$.train"
    )]
    [InlineData("[]", "$: ")]
    public void Mistake_IsUnderlined(string json, string where) =>
        Assert.Contains(Validator().Mistakes(Parse(json)), mistake => mistake.StartsWith(where, StringComparison.Ordinal));

    [Theory]
    [InlineData("{ \"seed\": \"${vars.seed}\", \"vars\": { \"seed\": 3 } }")]
    [InlineData("{ \"hooks\": { \"ema\": null } }")]
    [InlineData("{ \"optimizer\": { \"_delete_\": true, \"type\": \"AdamW\", \"lr\": 0.1 } }")]
    [InlineData("{ \"train\": { \"dataset\": { \"pipeline\": { \"_edit_\": [ { \"remove\": \"RandomFlip\" } ] } } } }")]
    public void WhatMergingUnderstands_IsNotUnderlined(string json) => Assert.Empty(Validator().Mistakes(Parse(json)));

    [Theory]
    [InlineData("\"type\": \"object\",", "\"type\": \"object\", \"propertis\": {},", "propertis")] // an unknown keyword
    [InlineData("\"minimum\":", "\"minimun\":", "minimun")] // deep inside
    [InlineData("\"type\": \"object\"", "\"type\": \"map\"", "map")] // a wrong value
    public void Schema_WithAMistakeOfItsOwn_IsRefused(string right, string wrong, string named)
    {
        var schema = Schema();
        var at = schema.LastIndexOf(right, StringComparison.Ordinal);
        var message = Assert
            .Throws<JsonSchemaException>(() => new SchemaValidator(schema[..at] + wrong + schema[(at + right.Length)..]))
            .Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
    }
}
