using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Analysis;

namespace Tessera.Tests.Framework.Metrics.Analysis;

public class CalibrationTests
{
    [Fact]
    public void Ece_ByHand()
    {
        // Of ten bins: (0.5, 0.6] has .6 right and .6 wrong; (0.8, 0.9] has .9 right. |.6 - .5| * 2/3 + |.9 - 1| / 3 = .1
        var result = Calibration.Of(
            [
                [0.6, 0.4],
                [0.4, 0.6],
                [0.1, 0.9],
            ],
            [0, 0, 1],
            bins: 10
        );
        Assert.Equal(0.1, result.Ece, 12);
        Assert.Equal(0.1, result.Mce, 12);
        Assert.Equal(((2 * 0.16) + (2 * 0.36) + (2 * 0.01)) / 3, result.Brier, 12);
        Assert.Equal(-(Math.Log(0.6) + Math.Log(0.4) + Math.Log(0.9)) / 3, result.Nll, 12);
        Assert.Equal(2, result.Bins[5].Count);
        Assert.Equal(0.5, result.Bins[5].Accuracy, 12);
        Assert.Equal((1L, 0.9), (result.Bins[8].Count, result.Bins[8].Confidence));
    }

    [Fact]
    public void OfOneClass_JudgesItsProbabilityWhateverIsMoreProbable()
    {
        var result = Calibration.Of(
            [
                [0.8, 0.2],
                [0.8, 0.2],
            ],
            [0, 1],
            bins: 5,
            of: 1
        );
        Assert.Equal((2L, 0.5), (result.Bins[0].Count, result.Bins[0].Accuracy));
        Assert.Equal(0.3, result.Ece, 12);
    }

    // Labels are drawn from the softmax of logits; what is stored is the softmax of logits times 2.5: the temperature is 2.5.
    [Fact]
    public void Temperature_FindsWhatProbabilitiesWereSharpenedBy_AndCalibratesThem()
    {
        var random = new RandomSource(5);
        var (rows, labels) = (new List<double[]>(), new List<int>());
        for (var i = 0; i < 20_000; i++)
        {
            double[] logits = [1.5 * random.Normal(), 1.5 * random.Normal(), 1.5 * random.Normal()];
            var honest = Softmax(logits, 1);
            var (draw, label) = (random.NextDouble(), 0);
            while (label < 2 && draw > honest[label])
                draw -= honest[label++];
            rows.Add(Softmax(logits, 2.5));
            labels.Add(label);
        }
        var temperature = TemperatureScaling.Fit(rows, labels);
        Assert.InRange(temperature, 2.4, 2.6);
        var scaled = rows.Select(row => TemperatureScaling.Apply(row, temperature)).ToArray();
        Assert.InRange(Calibration.Of(rows, labels).Ece, 0.1, 0.3);
        Assert.InRange(Calibration.Of(scaled, labels).Ece, 0, 0.015);
        Assert.True(Calibration.Of(scaled, labels).Nll < Calibration.Of(rows, labels).Nll);
        Assert.All(scaled, row => Assert.Equal(1, row.Sum(), 9));
        Assert.Equal(rows.Select(row => Array.IndexOf(row, row.Max())), scaled.Select(row => Array.IndexOf(row, row.Max())));
    }

    [Fact]
    public void Temperature_OfPredictionsThatAreAllRight_IsTheLowestBound() =>
        Assert.Equal(
            TemperatureScaling.Lowest,
            TemperatureScaling.Fit(
                [
                    [0.7, 0.3],
                    [0.1, 0.9],
                ],
                [0, 1]
            ),
            6
        );

    [Fact]
    public void Temperature_IsTheLeastOfAFineGrid()
    {
        double[][] rows =
        [
            [0.9, 0.1],
            [0.8, 0.2],
            [0.95, 0.05],
            [0.6, 0.4],
            [0.7, 0.3],
        ];
        int[] labels = [0, 0, 0, 1, 0];
        var best = Enumerable
            .Range(1, 4000)
            .Select(i => i / 100.0)
            .MinBy(t => Calibration.Of([.. rows.Select(row => TemperatureScaling.Apply(row, t))], labels).Nll);
        Assert.InRange(TemperatureScaling.Fit(rows, labels), best - 0.011, best + 0.011);
    }

    private static double[] Softmax(double[] logits, double sharpness)
    {
        var powers = Array.ConvertAll(logits, logit => Math.Exp(sharpness * logit));
        return Array.ConvertAll(powers, power => power / powers.Sum());
    }
}
