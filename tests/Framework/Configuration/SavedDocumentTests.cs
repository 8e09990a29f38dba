using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>A config on its way into a checkpoint and back.</summary>
public sealed class SavedDocumentTests
{
    [Fact]
    public void KeptNulls_StayNulls_OthersGo()
    {
        using var folder = new ConfigFolder(
            ("b.json", """{ "hooks": { "log": { "x": 1 }, "ema": { "y": 2 } }, "a": 1, "list": [{ "z": null }] }"""),
            ("c.json", """{ "_base_": "b.json", "hooks": { "log": null, "ema": null }, "a": null }""")
        );
        var saved = folder.Load("c.json").ForSaving(folder.Root, ["hooks.log"]);
        Assert.Equal("{\n  \"hooks\": {\n    \"log\": null\n  },\n  \"list\": [\n    {}\n  ]\n}\n", saved.SaveText());
        var back = ConfigDocument.ReadSaved(saved.SaveText(), "c");
        Assert.True(back.IsRemoved("hooks", "log"));
        Assert.False(back.IsRemoved("hooks", "ema"));
        Assert.Equal(saved.SaveText(), back.SaveText()); // also when it is written once more
        Assert.Equal(saved.SaveText(), back.ForSaving().SaveText());
        Assert.True(ConfigDocument.FromCheckpoint(back, "c").IsRemoved("hooks", "log"));
    }

    [Fact]
    public void Mistake_InACheckpointsConfig_NamesItsLine()
    {
        var saved = ConfigDocument.ReadSaved(
            ConfigDocument.Parse("""{ "a": { "b": [1, { "c": "${d}" }] }, "d": 1 }""").SaveText(),
            "config in best.safetensors"
        );
        Assert.Equal("config in best.safetensors:6", $"{ConfigDocument.Find(saved.Merged, "a.b.1.c")!.Source}");
        Assert.Equal(
            """
            --cfg-options  a.b.2
              a.b has no item "2". It has 2 items, numbered from 0.
            """,
            Assert.Throws<UserErrorException>(() => ConfigDocument.FromCheckpoint(saved, "best.safetensors", ["a.b.2=1"])).Message
        );
    }

    [Theory]
    [InlineData("[1]", "A config is a JSON object")]
    [InlineData("{ \"a\": 1", "This isn't JSON")]
    [InlineData("{ \"a\": 1, \"a\": 2 }", "given twice")]
    public void ReadSaved_OtherText_IsRefused(string json, string expected) =>
        Assert.Contains(
            expected,
            Assert.Throws<UserErrorException>(() => ConfigDocument.ReadSaved(json, "c")).Message,
            StringComparison.Ordinal
        );
}
