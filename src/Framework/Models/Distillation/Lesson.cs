using static TorchSharp.torch;

namespace Tessera.Framework.Models.Distillation;

/// <summary>What student and teacher gave for a batch. The teacher's have no gradient.</summary>
/// <param name="Student">Logits, [B, classes] or [B, classes, h, w], float32.</param>
/// <param name="Teacher">Logits in the order of the student's classes, float32.</param>
/// <param name="StudentMaps">What the student's backbone gave, where a term wants maps; otherwise empty.</param>
/// <param name="TeacherMaps">The same of the teacher's.</param>
public sealed record Lesson(Tensor Student, Tensor Teacher, IReadOnlyList<Tensor> StudentMaps, IReadOnlyList<Tensor> TeacherMaps);
