namespace Tessera.Tests.Tools.Architecture;

/// <summary>What a program needs beside the model, to read images and to show predictions, works without libtorch: no type of it knows a
/// tensor, nor a type that does.</summary>
public sealed class TensorFreeTests
{
    /// <summary>Rooms of which every type is free of tensors, those below them in the namespace included.</summary>
    private static readonly string[] s_rooms =
    [
        "Tessera.Framework.Messages",
        "Tessera.Framework.Errors",
        "Tessera.Framework.Files",
        "Tessera.Framework.Configuration",
        "Tessera.Framework.Components",
        "Tessera.Framework.Data",
        "Tessera.Framework.Visualization",
        "Tessera.Datasets",
    ];

    /// <summary>Where tensors are made of samples: the border.</summary>
    private static readonly string[] s_border =
    [
        "Tessera.Framework.Data.Batch",
        "Tessera.Framework.Data.BatchTransform",
        "Tessera.Framework.Data.IBatchLoader",
        "Tessera.Framework.Data.IBatchLoaderFactory",
        "Tessera.Datasets.DatasetServices",
        "Tessera.Datasets.Loading.BatchLoader",
        "Tessera.Datasets.Loading.BatchLoaderFactory",
        "Tessera.Datasets.Loading.BatchQueue",
        "Tessera.Datasets.Loading.MapStack",
        "Tessera.Datasets.Loading.PaddedImages",
        "Tessera.Datasets.Loading.PendingBatch",
    ];

    /// <summary>Types of other rooms that are free of tensors, too.</summary>
    private static readonly string[] s_types =
    [
        "Tessera.Framework.Models.Prediction",
        "Tessera.Framework.Models.ClassPrediction",
        "Tessera.Framework.Models.RegressionPrediction",
        "Tessera.Framework.Models.SegmentationPrediction",
        "Tessera.Framework.Models.DetectionPrediction",
        "Tessera.Framework.Models.PanopticPrediction",
        "Tessera.Framework.Models.ScorePrediction",
    ];

    private readonly Dictionary<string, HashSet<string>> _mentions = TypeReferences.Read().Mentions;

    [Fact]
    public void Images_transforms_class_names_and_predictions_know_no_tensor()
    {
        var free = _mentions.Keys.Where(IsOfRooms).Except(s_border).Concat(s_types).ToArray();
        Assert.True(free.Length > 200, $"only {free.Length} types");
        Assert.Empty(free.Select(type => PathToTensor(type)).OfType<string>());
    }

    [Fact]
    public void The_border_is_no_longer_than_it_must_be()
    {
        Assert.Equal([], s_border.Where(type => PathToTensor(type) is null));
        Assert.Empty(s_types.Except(_mentions.Keys));
    }

    private static bool IsOfRooms(string type) => s_rooms.Any(room => type.StartsWith(room + ".", StringComparison.Ordinal));

    /// <summary>"A -> B -> TorchSharp.torch"; null where no way leads there.</summary>
    private string? PathToTensor(string type)
    {
        var (before, left) = (new Dictionary<string, string?> { [type] = null }, new Queue<string>([type]));
        while (left.TryDequeue(out var current))
        {
            foreach (var next in _mentions.GetValueOrDefault(current) ?? [])
            {
                if (!before.TryAdd(next, current))
                    continue;
                if (next.StartsWith("TorchSharp", StringComparison.Ordinal) || next.StartsWith("Tessera.Torch.", StringComparison.Ordinal))
                    return Way(next);
                left.Enqueue(next);
            }
        }
        return null;

        string Way(string? end)
        {
            var way = new List<string>();
            for (; end is not null; end = before[end])
                way.Insert(0, end);
            return string.Join(" -> ", way);
        }
    }
}
