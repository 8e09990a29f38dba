using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Running;

/// <summary>Brings predictions of a model into the order of another data set's classes, where both name the same ones.</summary>
public sealed class ClassOrder
{
    private readonly int[] _place; // of each of the model's classes among the data's

    private ClassOrder(int[] place) => _place = place;

    /// <summary>The place of each of the model's classes among the data's.</summary>
    public IReadOnlyList<int> Places => _place;

    /// <summary>null where the order is the same, or the names aren't.</summary>
    public static ClassOrder? Between(DataInfo model, DataInfo data)
    {
        if (model.Task != data.Task || data.Task == DataTask.Regression || model.Classes.SequenceEqual(data.Classes))
            return null;
        if (
            model.Classes.Distinct().Count() != model.Classes.Count
            || !model.Classes.Order(StringComparer.Ordinal).SequenceEqual(data.Classes.Order(StringComparer.Ordinal))
        )
            return null;
        var places = data.Classes.Select((name, place) => (name, place)).ToDictionary(entry => entry.name, entry => entry.place);
        return new ClassOrder([.. model.Classes.Select(name => places[name])]);
    }

    /// <summary>The prediction in the data's indices.</summary>
    public Prediction Translate(Prediction prediction)
    {
        switch (prediction)
        {
            case ClassPrediction { Scores: var scores, Label: var label } classes:
                var moved = new float[scores.Length];
                for (var c = 0; c < scores.Length; c++)
                    moved[_place[c]] = scores[c];
                return classes with { Scores = moved, Label = _place[label] };
            case SegmentationPrediction { Map: var map }:
                return new SegmentationPrediction(Translate(map)) { OutputIsFinite = prediction.OutputIsFinite };
            case PanopticPrediction { Map: var panoptic }:
                var segments = panoptic.Segments.Select(segment => segment with { Label = _place[segment.Label] });
                return new PanopticPrediction(new PanopticMap(panoptic.Map, [.. segments])) { OutputIsFinite = prediction.OutputIsFinite };
            case ScorePrediction:
                return prediction; // of no class
            case DetectionPrediction detections:
                return detections with { Labels = [.. detections.Labels.Select(label => _place[label])] };
            default:
                throw new InvalidOperationException($"Predictions of type {prediction.GetType().Name} have no classes.");
        }
    }

    private Image Translate(Image map)
    {
        var result = map.Clone();
        if (map.Type == PixelType.UInt8)
        {
            foreach (ref var value in result.Pixels<byte>())
                if (value < _place.Length)
                    value = (byte)_place[value];
        }
        else
        {
            foreach (ref var value in result.Pixels<ushort>())
                if (value < _place.Length)
                    value = (ushort)_place[value];
        }
        return result;
    }
}
