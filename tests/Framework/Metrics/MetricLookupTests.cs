using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;

namespace Tessera.Tests.Framework.Metrics;

public sealed class MetricLookupTests
{
    [Fact]
    public void Find_ByAnEarlierName_NamesTheNewOne() =>
        Assert.Equal(
            "hooks.checkpoint follows the metric \"mAP/samples\", which evaluation does not give. It is called \"per_image_AP\" now. It gives: "
                + "mAP, per_image_AP.",
            Assert
                .Throws<UserErrorException>(() =>
                    MetricLookup.Find(
                        new Dictionary<string, double> { ["mAP"] = 0.5, ["per_image_AP"] = 1 },
                        "mAP/samples",
                        "hooks.checkpoint"
                    )
                )
                .Message
        );
}
