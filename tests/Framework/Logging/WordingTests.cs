using Microsoft.Extensions.Logging;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;

namespace Tessera.Tests.Framework.Logging;

/// <summary>A program says messages in words of its own.</summary>
public sealed class WordingTests
{
    [Fact]
    public void Wording_ChangesTheText_ByTheValuesInIt_AndLeavesOthersAlone()
    {
        using var recorder = new Recorder();
        using var attached = Log.AddProvider(recorder);
        var log = Log.For("Tessera.Tests.Wording");
        Log.Wording = (text, values) =>
            values
                .OfType<AdvisedText>()
                .SelectMany(value => value.Advice)
                .Aggregate(text, (said, advice) => said.Replace(advice.Text, "--option", StringComparison.Ordinal));
        try
        {
            log.LogWarning("{0}: {1}", "file", new AdvisedText("an option helps", new Advice("an option", "option")));
            log.LogWarning("{0}: {1}", "file", "an option helps");
        }
        finally
        {
            Log.Wording = null;
        }
        log.LogWarning("{0}", new AdvisedText("an option helps", new Advice("an option", "option")));
        Assert.Equal(["file: --option helps", "file: an option helps", "an option helps"], recorder.Of("Tessera.Tests.Wording"));
    }
}
