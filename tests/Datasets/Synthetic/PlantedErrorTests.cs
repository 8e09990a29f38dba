using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Synthetic;

public class PlantedErrorTests
{
    private static readonly string[] s_classes = ["circle", "square", "star"];

    [Fact]
    public void Labels_AreWrongWhereToldAndOnlyThere()
    {
        var (right, wrong) = (Make(0), Make(0.1));
        var planted = 0;
        for (var i = 0; i < right.Count; i++)
        {
            var errors = wrong.PlantedErrorsOf(i);
            Assert.Empty(right.PlantedErrorsOf(i));
            Assert.Equal(right.Get(i).Image!.Decode().Bytes, wrong.Get(i).Image!.Decode().Bytes);
            Assert.Equal(wrong.LabelOf(i), wrong.Get(i).Truth.Label);
            if (errors is [])
            {
                Assert.Equal(right.LabelOf(i), wrong.LabelOf(i));
                continue;
            }
            planted++;
            Assert.Equal([new PlantedError(PlantedErrorKind.OtherClass, right.LabelOf(i), wrong.LabelOf(i), null)], errors);
            Assert.NotEqual(right.LabelOf(i), wrong.LabelOf(i));
        }
        Assert.InRange(planted, 25, 60); // of 400

        static Shapes Make(double share) => new(new ShapesOptions(Count: 400, Size: 16, Classes: s_classes, WrongLabels: share));
    }

    [Fact]
    public void Boxes_AreWrongWhereToldAndOnlyThere()
    {
        var (right, wrong) = (Make(0), Make(0.2));
        var kinds = new Dictionary<PlantedErrorKind, int>();
        for (var i = 0; i < right.Count; i++)
        {
            var expected = Rows(right.Get(i).Truth.Boxes!);
            var sample = wrong.Get(i);
            foreach (var error in wrong.PlantedErrorsOf(i))
            {
                kinds[error.Kind] = kinds.GetValueOrDefault(error.Kind) + 1;
                if (error.TrueLabel is { } label)
                    Assert.True(expected.Remove(Row(error.Box!, label)));
                if (error.Label is { } given)
                    expected.Add(Row(error.Box!, given));
            }
            Assert.Equal(expected.Order(), Rows(sample.Truth.Boxes!).Order());
            Assert.Equal(sample.Truth.Boxes!.Count, sample.Truth.BoxAnnotation!.Count);
            Assert.Equal(sample.Truth.Boxes.Count, sample.Truth.InstanceMasks!.Count);
            Assert.Equal(sample.Truth.Boxes.Labels.Distinct().Order(), wrong.LabelsOf(i)!.Order());
        }
        Assert.All(Enum.GetValues<PlantedErrorKind>(), kind => Assert.InRange(kinds[kind], 20, 80)); // of some 500 boxes

        static Shapes Make(double share) =>
            new(new ShapesOptions(Count: 200, Size: 64, Task: DataTask.Detection, Classes: s_classes, WrongLabels: share));

        static List<string> Rows(Boxes boxes) => [.. boxes.Labels.Select((label, i) => Row(boxes.Corners[(4 * i)..(4 * (i + 1))], label))];

        static string Row(float[] box, int label) => $"{label}: {string.Join(" ", box)}";
    }

    [Fact]
    public void OtherTasks_AreRefused() =>
        Assert.Contains(
            "classification and detection, not segmentation",
            Assert.Throws<UserErrorException>(() => new Shapes(new ShapesOptions(Task: DataTask.Segmentation, WrongLabels: 0.1))).Message,
            StringComparison.Ordinal
        );
}
