using Snapshooter;
using Snapshooter.Xunit;

namespace Tessera.Tests.Tools;

/// <summary>Whole outputs, compared with the files in __snapshots__. To accept a change: delete the file, run the test twice, read the
/// difference.</summary>
[Collection(InProcess.Name)]
public sealed class WholeOutputTests
{
    [Theory]
    [InlineData("help of train", "train", "--help")]
    [InlineData("a component", "list-components", "ResNet")]
    [InlineData("a misspelt component", "list-components", "Resnte")]
    public void Output_IsAsWritten(string name, params string[] arguments)
    {
        var said = Tool.Run(arguments);
        // Snapshooter writes a file that is missing and passes; here that fails, so that a lost file is noticed.
        var existed = File.Exists(Path.Combine(Snippets.Repository, "tests", "Tools", "__snapshots__", $"{name}.snap"));
        Snapshot.Match($"exit code {said.Code}\n{said.All}".ReplaceLineEndings("\n"), name);
        Assert.True(existed, $"The snapshot \"{name}\" was missing and has been written: read it, then run the test again.");
    }
}
