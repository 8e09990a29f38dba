using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Results;

/// <summary>What a model makes of one image, with names. Metrics take the <see cref="Raw"/> prediction that it was made of.</summary>
public abstract record Result
{
    private protected Result(Prediction raw) => Raw = raw;

    /// <summary>The prediction in plain arrays.</summary>
    public Prediction Raw { get; }

    /// <summary>Gives a prediction its names.</summary>
    /// <param name="data">The classes that the model was trained on (<see cref="Predictor.Data"/>).</param>
    /// <param name="thresholds">By class name, the score from which on one of several labels counts as present; 0.5 for those
    /// without.</param>
    /// <exception cref="ArgumentException">The prediction is of a type of one's own.</exception>
    public static Result Of(Prediction prediction, DataInfo data, IReadOnlyDictionary<string, double>? thresholds = null) =>
        prediction switch
        {
            ClassPrediction classes => new Classification(classes, data, thresholds),
            RegressionPrediction values => new Regression(values, data.Classes),
            SegmentationPrediction map => new Segmentation(map, data.Classes),
            DetectionPrediction boxes => new Detections(boxes, data.Classes),
            PanopticPrediction map => new PanopticSegments(map, data),
            ScorePrediction score => new ImageMeasure(score),
            _ => throw new ArgumentException($"A {prediction.GetType().Name} has no names to be given.", nameof(prediction)),
        };
}
