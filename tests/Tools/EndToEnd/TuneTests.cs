namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>Presets of what is trained, from a config.</summary>
[Collection(InProcess.Name)]
public sealed class TuneTests(TinyRun run) : IClassFixture<TinyRun>
{
    [Fact]
    public void LpFt_TellsItsPhases()
    {
        var said = Train("train.tune=lp_ft", "train.tune_head_for=1", "train.tune_rate=0.5").Succeeds().All;
        Assert.Contains("The head is trained alone until epoch 1 is done", said, StringComparison.Ordinal);
        Assert.Contains("Everything is trained from here on, at 0.5 times the learning rates.", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Partial_TellsWhatIsFrozen() =>
        Assert.Matches("Frozen: [1-9][0-9]* parameters", Train("train.tune=partial", "train.tune_from=layer4").Succeeds().All);

    [Theory]
    [InlineData("train.tune=partial", "\"partial\" needs tune_from")]
    [InlineData("train.tune=lp_ft", "\"lp_ft\" needs tune_head_for")]
    [InlineData("train.tune_from=layer4", "It says where \"tune\": \"partial\" begins")]
    [InlineData("train.tune=norms train.tune_rate=0.5", "It is of \"tune\": \"lp_ft\" alone")]
    [InlineData("train.tune=lp_ft train.tune_head_for=2", "nothing is left for the second phase")]
    [InlineData("train.tune=partial train.tune_from=leyer4", "Did you mean \"layer4\"?")]
    [InlineData("train.tune=linear_prob", "linear_probe")]
    [InlineData("train.tune=attention", "ResNet has no attention layer")]
    public void OptionsThatDontFit_AreMistakes(string changes, string told) => Train(changes.Split(' ')).IsMistake(told);

    private Said Train(params string[] changes) =>
        Tool.Run(["train", run.ConfigPath, "--work-dir", run.New(), "--cfg-options", .. changes]);
}
