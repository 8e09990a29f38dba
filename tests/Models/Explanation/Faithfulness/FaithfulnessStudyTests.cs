using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Faithfulness;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Explanation.Faithfulness;

public sealed class FaithfulnessStudyTests
{
    private static readonly FaithfulnessOptions s_plain = new(Steps: 4, Blur: 0, Noise: 0, ControlGrid: 2, BatchSize: 5, Bootstrap: 0);

    [Fact]
    public void A_linear_model_by_hand()
    {
        // w·x + b = 4 + 3 + 2 + 1 - 5 = 5; softmax over (5, 0) is the sigmoid.
        using var model = new LinearClassifier([1, 1, 1, 1], -5);
        using var image = tensor([4f, 3, 2, 1]).view(1, 1, 2, 2);
        using var map = tensor([8f, 6, 4, 2]).view(1, 2, 2); // scaled: 1, 2/3, 1/3, 0
        var study = new FaithfulnessStudy(model, DataTask.Classification, s_plain);
        study.Add(
            image,
            new ClassTarget([0], ["a", "b"]),
            Of(("map", map)),
            [
                [true, false, true, false],
            ]
        );
        var values = study.Table().Values();

        double whole = Sigmoid(5),
            masked = Sigmoid(4 + 2 + (2.0 / 3) - 5);
        Assert.Equal((whole - masked) / whole, values["map/avg_drop"], 1e-6);
        Assert.Equal(0, values["map/increase"]);
        // Removed one after another 4, 3, 2, 1: logits 5, 1, -2, -4, -5.
        var deletion = ((Sigmoid(5) + Sigmoid(-5)) / 2) + Sigmoid(1) + Sigmoid(-2) + Sigmoid(-4);
        Assert.Equal(deletion / 4, values["map/deletion"], 1e-6);
        Assert.Equal(whole, values["map/insertion"], 1e-6); // without a blur there is nothing to put in
        Assert.Equal((1 + (1.0 / 3)) / 2, values["map/energy"], 1e-6);
        Assert.Equal(1, values["map/pointing"]);
        // Shares 0.1 … 0.9 of four pixels: 0, 1, 1, 2, 2, 2, 3, 4, 4; one always stays, so the last two are 3.
        // Most relevant first. One: the neighbours of 4 give (2·3 + 2·2 + 1) / 5 = 2.2. Two: 4 and 3 are a and b with
        // 5a = 2b + 2·2 + 1 and 5b = 2a + 2·1 + 2, so 21a = 33, 21b = 30. Three: everything is 1.
        double[] most = [5, 3.2, 3.2, Two(33, 30, 2, 1), Two(33, 30, 2, 1), Two(33, 30, 2, 1), -1, -1, -1];
        Assert.Equal(most.Average(logit => Sigmoid(logit) - whole), values["map/road_morf"], 1e-5);
        // Least first. One: (2·2 + 2·3 + 4) / 5 = 2.8 for 1. Two, for 2 and 1: 5a = 2·4 + 2b + 3, 5b = 2·3 + 2a + 4: 21a = 75, 21b = 72.
        // Hence 2 becomes 75/21 and 1 becomes 72/21. Three: everything is 4.
        double[] least = [5, 6.8, 6.8, Two(75, 72, 4, 3), Two(75, 72, 4, 3), Two(75, 72, 4, 3), 11, 11, 11];
        Assert.Equal(least.Average(logit => Sigmoid(logit) - whole), values["map/road_lerf"], 1e-5);
        Assert.Equal((values["map/road_lerf"] - values["map/road_morf"]) / 2, values["map/road"], 1e-9);

        static double Two(double a, double b, double c, double d) => ((a + b) / 21) + c + d - 5;
    }

    [Fact]
    public void Insertion_starts_from_the_blurred_image_and_ends_at_the_image()
    {
        float[] pixels = [2, -1, 0.5f, 3];
        using var model = new LinearClassifier([1, 0.5f, -2, 0.25f], 0.3f);
        using var image = tensor(pixels).view(1, 1, 2, 2);
        using var map = tensor([4f, 3, 2, 1]).view(1, 2, 2);
        var study = new FaithfulnessStudy(model, DataTask.MultiLabel, s_plain with { Blur = 0.5 });
        study.Add(image, new ClassTarget([0], ["a", "b"]), Of(("map", map)));
        var blurred = new AlteredImages(pixels, 2, 2).Blurred(1);
        var sum = 0.0;
        for (var s = 0; s <= 4; s++)
        {
            float[] now = [.. pixels[..s], .. blurred[s..]];
            sum += Sigmoid(now[0] + (0.5 * now[1]) - (2 * now[2]) + (0.25 * now[3]) + 0.3) * (s is 0 or 4 ? 0.5 : 1);
        }
        var values = study.Table().Values();
        Assert.Equal(sum / 4, values["map/insertion"], 1e-6);
        Assert.DoesNotContain("map/energy", values.Keys); // no truth was given
    }

    [Fact]
    public void A_true_map_beats_the_control_and_its_opposite_loses()
    {
        const int side = 12,
            images = 30;
        var random = new RandomSource(5);
        var region = new bool[side * side];
        for (var i = 0; i < region.Length; i++)
            region[i] = i / side is >= 2 and < 7 && i % side is >= 3 and < 8;
        using var scope = NewDisposeScope();
        using var model = new LinearClassifier([.. region.Select(inside => inside ? 0.2f : 0f)], -2.5f);
        var study = new FaithfulnessStudy(model, DataTask.Classification, new FaithfulnessOptions(Steps: 10, Bootstrap: 200));
        for (var n = 0; n < images; n++)
        {
            var image = tensor(region.Select(inside => (float)((inside ? 1 : 0) + (0.3 * random.Normal()))).ToArray())
                .view(1, 1, side, side);
            var map = tensor(region.Select(inside => inside ? 1f : 0f).ToArray()).view(1, side, side);
            study.Add(image, new ClassTarget([0], ["a", "b"]), Of(("true", map), ("opposite", 1 - map)), [region]);
        }
        var table = study.Table();
        Assert.Equal(["true", "opposite", "random_map"], table.Rows.Select(row => row.Method));
        Assert.Equal([false, false, true], table.Rows.Select(row => row.IsControl));
        Assert.Equal(25.0 / 144, table.Area, 1e-9);
        foreach (var measure in (string[])["avg_drop", "road_morf", "road_lerf", "road", "deletion", "insertion", "energy", "pointing"])
        {
            var at = table.Measures.ToList().FindIndex(known => known.Key == measure);
            Assert.True(table.Rows[0].Values[at].BeatsControl, measure);
            Assert.False(table.Rows[1].Values[at].BeatsControl, measure);
            Assert.Null(table.Rows[2].Values[at].BeatsControl);
            var sign = table.Measures[at].HigherIsBetter ? 1 : -1;
            Assert.True(sign * table.Rows[0].Values[at].Mean > sign * table.Rows[2].Values[at].Mean, measure);
            Assert.All(table.Rows, row => Assert.InRange(row.Values[at].Mean, row.Values[at].Low - 1e-9, row.Values[at].High + 1e-9));
        }
        Assert.Equal(1, table.Rows[0].Values[^1].Mean, 1e-9);
        Assert.Equal(0, table.Rows[1].Values[^1].Mean, 1e-9);
        var text = table.Text();
        Assert.Contains("random_map (control)", text, StringComparison.Ordinal);
        Assert.Contains("30 of 30 images have a mask or box of their class, which covers 0.174", text, StringComparison.Ordinal);
        Assert.Contains("AvgDrop ↓", text, StringComparison.Ordinal);
        Assert.Contains("1.000 [1.000, 1.000]*", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_call_gives_the_same_values_whatever_the_batch()
    {
        using var scope = NewDisposeScope();
        using var model = new LinearClassifier([.. Enumerable.Range(0, 64).Select(i => (i % 7) - 3f)], 0);
        var images = TorchSharp.torch.stack([.. Enumerable.Range(0, 3).Select(n => arange(64f).view(1, 8, 8).mul(0.1f * (n + 1)).sin())]);
        var maps = images.squeeze(1).abs();
        var target = new ClassTarget([0, 1, 0], ["a", "b"]);
        var together = new FaithfulnessStudy(model, DataTask.Classification, new FaithfulnessOptions(BatchSize: 64));
        together.Add(images, target, Of(("map", maps)));
        var apart = new FaithfulnessStudy(model, DataTask.Classification, new FaithfulnessOptions(BatchSize: 3));
        for (var n = 0; n < 3; n++)
            apart.Add(images.narrow(0, n, 1), new ClassTarget([target.Classes[n]], ["a", "b"]), Of(("map", maps.narrow(0, n, 1))));
        var (one, other) = (together.Table().Values(), apart.Table().Values());
        Assert.Equal(one.Keys, other.Keys);
        Assert.All(one, entry => Assert.Equal(entry.Value, other[entry.Key], 1e-6));
    }

    [Fact]
    public void Mistakes_are_told()
    {
        using var scope = NewDisposeScope();
        using var model = new LinearClassifier([1, 1, 1, 1], 0);
        var (image, map) = (ones(1, 1, 2, 2), ones(1, 2, 2));
        var target = new ClassTarget([0], ["a", "b"]);
        var study = new FaithfulnessStudy(model, DataTask.Classification, s_plain);
        Says("no image was explained", () => study.Table());
        Says("[1, 3, 2]; [1, 2, 2]", () => study.Add(image, target, Of(("cam", ones(1, 3, 2)))));
        Says("cam holds values that aren't finite", () => study.Add(image, target, Of(("cam", map / 0))));
        Says("give the method another name", () => study.Add(image, target, Of(("random_map", map))));
        study.Add(image, target, Of(("cam", map)));
        Says("before these were cam, now other were", () => study.Add(image, target, Of(("other", map))));
        Says("classifiers alone", () => _ = new FaithfulnessStudy(model, DataTask.Detection));

        static void Says(string what, Action act) =>
            Assert.Contains(what, Assert.Throws<UserErrorException>(act).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_places_of_a_map_come_in_a_drawn_order()
    {
        var order = AlteredImages.Order([0, 5, 0, 0, 0, 0, 0, 0, 0, 3], new RandomSource(1));
        Assert.Equal([1, 9], order[..2]);
        Assert.Equal(Enumerable.Range(0, 10), order.Order());
        Assert.NotEqual(order[2..].Order(), order[2..]);
    }

    [Fact]
    public void A_blur_is_the_weighted_mean_of_the_surroundings()
    {
        var random = new RandomSource(2);
        var pixels = Enumerable.Range(0, 2 * 5 * 6).Select(_ => (float)random.Normal()).ToArray();
        var blurred = new AlteredImages(pixels, 5, 6).Blurred(0.8);
        for (var c = 0; c < 2; c++)
        for (var y = 0; y < 5; y++)
        for (var x = 0; x < 6; x++)
        {
            var (sum, weights) = (0.0, 0.0);
            for (var dy = -3; dy <= 3; dy++)
            for (var dx = -3; dx <= 3; dx++)
            {
                var weight = Math.Exp(-((dy * dy) + (dx * dx)) / (2 * 0.64));
                sum += weight * pixels[(c * 30) + (Math.Clamp(y + dy, 0, 4) * 6) + Math.Clamp(x + dx, 0, 5)];
                weights += weight;
            }
            Assert.Equal(sum / weights, blurred[(c * 30) + (y * 6) + x], 1e-5);
        }
    }

    private static Dictionary<string, Tensor> Of(params (string Name, Tensor Map)[] maps) =>
        maps.ToDictionary(entry => entry.Name, entry => entry.Map);

    private static double Sigmoid(double value) => 1 / (1 + Math.Exp(-value));
}
