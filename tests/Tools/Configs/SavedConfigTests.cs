using Tessera.Framework.Configuration;

namespace Tessera.Tests.Tools.Configs;

/// <summary>What of a checkpoint's config is left for its model alone.</summary>
public sealed class SavedConfigTests
{
    [Theory]
    [InlineData("""{ "model": 1, "optimizer": 2, "train": 3, "val": 4, "hooks": 5 }""", "model val")]
    [InlineData("""{ "model": 1, "train": 3 }""", "model train")] // nothing else says what the data are
    [InlineData("""{ "model": 1, "train": { "pipeline": [] }, "val": { "p": "${train.pipeline}" } }""", "model train val")]
    [InlineData("""{ "model": "${vars.m}", "vars": { "m": "${schedule.0}" }, "schedule": [7], "test": 1 }""", "model vars schedule test")]
    [InlineData("""{ "model": 1, "train": { "x": "${optimizer.lr}" }, "optimizer": { "lr": 1 }, "val": 2 }""", "model val")] // both go
    [InlineData("""{ "model": 1, "optimizer": 2, "optimizer_notes": 3, "val": "${optimizer_notes}" }""", "model optimizer_notes val")]
    [InlineData("""{ "model": "$${optimizer}", "optimizer": 2, "val": 1 }""", "model val")] // a plain "${optimizer}"
    [InlineData("""{ "model": "x ${env:optimizer,no} ${hooks.a}", "optimizer": 2, "hooks": { "a": 1 }, "val": 1 }""", "model hooks val")]
    [InlineData("""{ "model": "${\"train\".a}", "train": { "a": 1 }, "val": 1 }""", "model train val")]
    public void ForModel_KeepsWhatTheRestRefersTo(string json, string kept)
    {
        var rest = SavedConfig.ForModel(ConfigDocument.ReadSaved(json, "c", _ => null));
        Assert.Equal(kept.Split(' '), rest.Merged.Keys);
        Assert.Equal(kept.Split(' '), rest.Root.Keys);
        Assert.Equal(kept.Split(' '), ConfigDocument.FromCheckpoint(rest, "c", environment: _ => null).Root.Keys); // resolves on its own
    }
}
