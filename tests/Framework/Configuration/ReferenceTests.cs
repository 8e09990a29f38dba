using Microsoft.Extensions.Configuration;
using Tessera.Framework.Configuration;

namespace Tessera.Tests.Framework.Configuration;

public sealed class ReferenceTests
{
    private static ConfigDocument Parse(string json, params (string Name, string Value)[] variables) =>
        ConfigDocument.Parse(json, environment: name => variables.FirstOrDefault(variable => variable.Name == name).Value);

    [Theory]
    [InlineData("""{ "a": "${b}", "b": 3 }""", """{"a": 3, "b": 3}""")] // whole value: the type stays
    [InlineData(
        """{ "a": "${b}", "b": [1, { "c": "${d}" }], "d": true }""",
        """{"a": [1, {"c": true}], "b": [1, {"c": true}], "d": true}"""
    )]
    [InlineData("""{ "a": "x${b}y${b}", "b": 3 }""", """{"a": "x3y3", "b": 3}""")] // inside a string
    [InlineData("""{ "a": "${b.c.1}", "b": { "c": [4, 5] } }""", """{"a": 5, "b": {"c": [4, 5]}}""")]
    [InlineData("""{ "a": "${b.\"c.d\"}", "b": { "c.d": 1 } }""", """{"a": 1, "b": {"c.d": 1}}""")]
    [InlineData("""{ "a": "${b.x}", "b": "${c}", "c": { "x": 7 } }""", """{"a": 7, "b": {"x": 7}, "c": {"x": 7}}""")] // through a reference
    [InlineData("""{ "a": "$${b}" }""", """{"a": "${b}"}""")] // escaped
    [InlineData("""{ "a": "${data_root}/camvid" }""", """{"a": "data/camvid"}""")] // the default of data_root
    [InlineData("""{ "a": "${env:HOST,localhost}" }""", """{"a": "localhost"}""")]
    [InlineData("""{ "a": "${env:WORKERS,4}" }""", """{"a": 4}""")]
    [InlineData("""{ "a": "${env:SET}" }""", """{"a": "yes"}""")]
    [InlineData("""{ "a": "in ${env:SET,no}/x" }""", """{"a": "in yes/x"}""")]
    public void Reference_IsFilledIn(string json, string expected) => Assert.Equal(expected, Parse(json, ("SET", "yes")).Root.ToString());

    [Fact]
    public void DataRoot_VariableWinsOverFile_CommandLineOverBoth()
    {
        const string Json = """{ "data_root": "data", "path": "${data_root}/x" }""";
        Func<string, string?> environment = name => name == "TESSERA_DATA_ROOT" ? "/big/${odd}" : null;
        Assert.Equal(
            """{"data_root": "/big/${odd}", "path": "/big/${odd}/x"}""",
            ConfigDocument.Parse(Json, environment: environment).Root.ToString()
        );
        var document = ConfigDocument.Parse(Json, overrides: ["data_root=there"], environment: environment);
        Assert.Equal("""{"data_root": "there", "path": "there/x"}""", document.Root.ToString());
    }

    [Fact]
    public void SaveText_LeavesReferencesAndTheEnvironmentUnresolved()
    {
        var document = Parse(
            """{ "data_root": "data", "key": "${env:SECRET}", "path": "${data_root}/x" }""",
            ("SECRET", "hunter2"),
            ("TESSERA_DATA_ROOT", "/private")
        );
        var saved = document.SaveText();
        Assert.Equal(
            """{"data_root": "data", "key": "${env:SECRET}", "path": "${data_root}/x"}""",
            ConfigDocument.ReadSaved(saved, "c").Merged.ToString()
        );
        Assert.DoesNotContain("hunter2", saved, StringComparison.Ordinal);
        Assert.DoesNotContain("/private", saved, StringComparison.Ordinal);
        Assert.Contains("hunter2", document.ResolvedText(), StringComparison.Ordinal);
    }

    [Fact]
    public void SaveText_ReadBack_IsTheSameDocument()
    {
        const string Json = """{ "a": { "long": [ { "type": "X", "v": 1e-3 }, "é\n\"" ], "n": 1.50, "none": [null] }, "e": {}, "l": [] }""";
        var document = Parse(Json);
        Assert.True(ConfigNode.DeepEquals(document.Root, Parse(document.SaveText()).Root));
    }

    [Fact]
    public void Checkpoint_UnsetVariable_StaysAsWritten()
    {
        var saved = ConfigDocument.ReadSaved("""{ "a": "${env:GONE}/x" }""", "c", environment: _ => null);
        var document = ConfigDocument.FromCheckpoint(saved, "c.safetensors", environment: _ => null);
        Assert.Equal("""{"a": "${env:GONE}/x"}""", document.Root.ToString());
    }

    [Fact]
    public void Configuration_HoldsTheResolvedDocument()
    {
        var configuration = Parse("""{ "model": { "depth": 18, "list": ["x", "y"] }, "map": { "A": 1, "a": 2 }, "r": "${model.depth}" }""")
            .ToConfiguration();
        Assert.Equal(18, configuration.GetValue<int>("model:depth"));
        Assert.Equal("y", configuration["model:list:1"]);
        Assert.Equal("18", configuration["r"]);
        Assert.Equal("1", configuration["map:a"]);
    }

    [Fact]
    public void References_ThatExplode_AreRefused()
    {
        // 2^40 copies of one word, if each line were filled in.
        var lines = Enumerable.Range(0, 40).Select(i => $"\"a{i}\": [\"${{a{i + 1}}}\", \"${{a{i + 1}}}\"]");
        var error = Assert.Throws<Tessera.Framework.Errors.UserErrorException>(() =>
            Parse($"{{ {string.Join(", ", lines)}, \"a40\": 1 }}")
        );
        Assert.Contains("expand to more than a config can hold", error.Message, StringComparison.Ordinal);
    }
}
